/** Owns the form of a log line: one line of bounded length, whatever the input put into it. */

/** Longest log line, in characters. */
const LOG_LINE_LENGTH_MAX = 500;

const CONTROL_CHARACTERS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;

/** `text` with control characters escaped, cut where it is too long. */
export function oneLine(text: string): string {
  const cut = text.length <= LOG_LINE_LENGTH_MAX ? text : `${text.slice(0, LOG_LINE_LENGTH_MAX - 3)}...`;
  return cut.replace(CONTROL_CHARACTERS, escaped);
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
