import { Client, credentials, Server, ServerCredentials } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { clientChannelOptions, peerChannelOptions, serverOptions } from '../../src/wire/channel-options.js';

describe('channel options', () => {
  it('no channel retries by itself, nor goes through a proxy, nor shares a connection', () => {
    for (const options of [
      clientChannelOptions(),
      peerChannelOptions('raft'),
      peerChannelOptions('heartbeat'),
    ]) {
      expect(options).toMatchObject({
        'grpc.enable_retries': 0,
        'grpc.enable_http_proxy': 0,
        'grpc.service_config_disable_resolution': 1,
        'grpc.use_local_subchannel_pool': 1,
      });
    }
  });

  it('brokers accept from each other what they may send, and from clients what these may', () => {
    const limit = 'grpc.max_receive_message_length';
    expect(serverOptions('peer')[limit]).toBe(peerChannelOptions('raft')[limit]);
    expect(serverOptions()[limit]).toBe(clientChannelOptions()[limit]);
  });

  it('a server with these options ends its connections at forceShutdown', async () => {
    const server = new Server(serverOptions());
    const port = await new Promise<number>((resolve, reject) => {
      const bound = (error: Error | null, free: number) => (error === null ? resolve(free) : reject(error));
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), bound);
    });
    const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), clientChannelOptions());
    await new Promise((resolve) => client.waitForReady(Date.now() + 2000, resolve));
    const channel = client.getChannel();
    const lost = new Promise((resolve) =>
      channel.watchConnectivityState(channel.getConnectivityState(false), Date.now() + 2000, resolve),
    );
    server.forceShutdown();
    expect(await lost).toBeUndefined(); // An error would mean that the state did not change.
    client.close();
  });
});
