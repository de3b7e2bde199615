/** Parsers of command-line values. Each throws commander's error, which then names the flag. */
import { InvalidArgumentError } from 'commander';
import { addressProblem, bootstrapBrokers } from '../config.js';

/** Parses a whole number from `min` to `max`, both inclusive. */
export function integer(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  };
}

/** Parses `HOST:PORT,HOST:PORT,...`. */
export function addresses(text: string): readonly string[] {
  return bootstrapBrokers(text).map((address) => {
    const problem = addressProblem(address);
    if (problem !== undefined) throw new InvalidArgumentError(`${problem}.`);
    return address;
  });
}

/** Parses a text of at least one character. */
export function nonEmpty(text: string): string {
  if (text !== '') return text;
  throw new InvalidArgumentError('It must not be empty.');
}
