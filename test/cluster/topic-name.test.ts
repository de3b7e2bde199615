import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TOPIC_NAME_CHARACTERS_MAX, topicNameProblem } from '../../src/cluster/topic-name.js';

const allowed = fc.constantFrom('a', 'z', 'A', 'Z', '0', '9', '.', '_', '-');

describe('topicNameProblem', () => {
  it("allows what Kafka allows: 1 to 249 of a-z, A-Z, 0-9, '.', '_' and '-'", () => {
    const names = fc.string({ unit: allowed, minLength: 1, maxLength: TOPIC_NAME_CHARACTERS_MAX });
    fc.assert(
      fc.property(
        names.filter((name) => name !== '.' && name !== '..'),
        (name) => {
          expect(topicNameProblem(name)).toBeUndefined();
        },
      ),
    );
    expect(topicNameProblem('...')).toBeUndefined();
  });

  it('refuses any other character, wherever it stands', () => {
    const strange = fc.nat({ max: 0xffff }).map((code) => String.fromCharCode(code));
    fc.assert(
      fc.property(
        fc.string({ unit: allowed, maxLength: 5 }),
        strange.filter((text) => !/^[a-zA-Z0-9._-]$/.test(text)),
        fc.string({ unit: allowed, maxLength: 5 }),
        (before, text, after) => {
          expect(topicNameProblem(before + text + after)).toBeDefined();
        },
      ),
    );
  });

  it.each([
    ['', 'must not be empty'],
    ['.', 'must not be "." or ".."'],
    ['..', 'must not be "." or ".."'],
    ['orders\n', 'may have only the characters a-z, A-Z, 0-9, ".", "_" and "-"'],
    ['a'.repeat(250), 'must have at most 249 characters'],
  ])('says what is wrong with %j', (name, problem) => {
    expect(topicNameProblem(name)).toBe(problem);
  });
});
