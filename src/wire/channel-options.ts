/**
 * The gRPC channel options of every connection that Bellwether makes or accepts, one function for
 * each purpose. grpc-js takes them as untyped strings, so no other file spells them.
 */
import type { ChannelOptions, ServerOptions } from '@grpc/grpc-js';

/** Largest message a client or its broker accepts, in bytes: eight of the largest batches. */
export const CLIENT_MESSAGE_BYTES_MAX = 8 * 1024 * 1024;

/** Largest message brokers accept from each other, in bytes: many groups share one message. */
export const PEER_MESSAGE_BYTES_MAX = 16 * 1024 * 1024;

/** HTTP/2 receive window of a stream and of its connection, in bytes; HTTP/2's own is 65,535. */
const FLOW_CONTROL_WINDOW_BYTES = 4 * 1024 * 1024;

/**
 * What a connection between two brokers is for.
 * - `heartbeat`: liveness only, so that its loss means the peer's loss and nothing queues before it.
 * - `raft`: votes, entries and forwarded requests.
 */
export type PeerPurpose = 'heartbeat' | 'raft';

/** What every channel shares. */
const COMMON: ChannelOptions = {
  // Bellwether decides itself what may be sent again: a produce of unknown outcome must not be.
  'grpc.enable_retries': 0,
  // A proxy from the environment must not come between brokers, nor before a loopback address.
  'grpc.enable_http_proxy': 0,
  // No DNS TXT look-up before each connection.
  'grpc.service_config_disable_resolution': 1,
  // One connection for each channel: a connection's loss then says something about one purpose.
  'grpc.use_local_subchannel_pool': 1,
  // No bookkeeping for a channelz service that is not served.
  'grpc.enable_channelz': 0,
};

/** Options of the channel from a client to one broker. */
export function clientChannelOptions(): ChannelOptions {
  return {
    ...COMMON,
    'grpc.max_receive_message_length': CLIENT_MESSAGE_BYTES_MAX,
    'grpc-node.flow_control_window': FLOW_CONTROL_WINDOW_BYTES,
    'grpc.initial_reconnect_backoff_ms': 100, // ms; grpc-js would begin with 1000
    'grpc.max_reconnect_backoff_ms': 2000, // ms; grpc-js would go up to 120,000
    'grpc.keepalive_time_ms': 10_000, // ms between pings
    'grpc.keepalive_timeout_ms': 5000, // ms without an answer until the connection counts as lost
    'grpc.keepalive_permit_without_calls': 1,
  };
}

/** Options of a channel from one broker to another. */
export function peerChannelOptions(purpose: PeerPurpose): ChannelOptions {
  return {
    ...COMMON,
    'grpc.max_receive_message_length': PEER_MESSAGE_BYTES_MAX,
    ...(purpose === 'raft' && { 'grpc-node.flow_control_window': FLOW_CONTROL_WINDOW_BYTES }),
    'grpc.initial_reconnect_backoff_ms': 20, // ms: a restarted broker is found again at once
    'grpc.max_reconnect_backoff_ms': 500, // ms
    'grpc.keepalive_time_ms': 1000, // ms; heartbeats are faster, this guards the other connection
    'grpc.keepalive_timeout_ms': 2000, // ms
    'grpc.keepalive_permit_without_calls': 1,
    'grpc.client_idle_timeout_ms': 2_147_483_647, // ms, the greatest timer: a quiet peer stays connected
  };
}

/**
 * Options of a broker's server.
 *
 * The receive window is not among them: grpc-js ignores it on servers (rpc/receive-window.ts).
 */
export function serverOptions(listener: 'client' | 'peer' = 'client'): ServerOptions {
  return {
    'grpc.max_receive_message_length':
      listener === 'client' ? CLIENT_MESSAGE_BYTES_MAX : PEER_MESSAGE_BYTES_MAX,
    'grpc.max_concurrent_streams': 10_000, // streams on one connection; Node has no limit
    'grpc.keepalive_time_ms': 10_000, // ms between pings
    'grpc.keepalive_timeout_ms': 5000, // ms
    // Channelz stays on: without it grpc-js 1.14 keeps no list of its sessions, and forceShutdown()
    // leaves every connection open (server.ts, _channelzSessionHandler).
  };
}
