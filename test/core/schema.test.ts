import * as assert from 'uvu/assert';
import { DataError } from '../../src/core/errors.js';
import {
  anything,
  boolean,
  integer,
  list,
  nullable,
  number,
  object,
  oneOf,
  parseJson,
  record,
  type Schema,
  text,
} from '../../src/core/schema.js';
import { suite } from '../support/suite.js';

function refuses(schema: Schema<unknown>, value: unknown, message: string): void {
  try {
    schema(value, 'a.json');
  } catch (error) {
    assert.instance(error, DataError);
    assert.is((error as Error).message, message);
    return;
  }
  assert.unreachable(`${JSON.stringify(value)} is taken`);
}

interface Point {
  readonly x: number;
  readonly label?: string;
}
const point = object<Point>({ x: number() }, { label: text() });

suite('schemas', (test) => {
  test('values that fit come back', () => {
    const value = { x: 1.5, label: 'left' };
    assert.equal(point(value, ''), value);
    assert.equal(list(integer(2), 1, 2)([2, 3], ''), [2, 3]);
    assert.is(nullable(boolean)(null, ''), null);
    assert.is(nullable(boolean)(false, ''), false);
    assert.is(oneOf('a', 'b')('b', ''), 'b');
    assert.equal(record(integer(0))({ a: 1, b: 2 }, ''), { a: 1, b: 2 });
    assert.is(anything(null, ''), null);
  });

  test('what does not fit is named by its path, with its value', () => {
    refuses(point, [], 'a.json must be an object: []');
    refuses(point, {}, 'a.json.x must be a number: none');
    refuses(point, { x: '1' }, 'a.json.x must be a number: "1"');
    refuses(number(0, 1), 1.5, 'a.json must be a number from 0 to 1: 1.5');
    refuses(number(), JSON.parse('1e999'), 'a.json must be a number: null');
    refuses(integer(1), 0.5, 'a.json must be a whole number of at least 1: 0.5');
    refuses(list(integer(0)), [0, -1], 'a.json[1] must be a whole number of at least 0: -1');
    refuses(list(integer(0), 3, 3), [0], 'a.json must be a list of 3: [0]');
    refuses(record(boolean), { a: true, b: 1 }, 'a.json.b must be true or false: 1');
    refuses(text(), '', 'a.json must be a text that is not empty: ""');
    refuses(oneOf('a', 'b'), 'c'.repeat(99), `a.json must be one of a, b: "${'c'.repeat(59)}…`);
  });

  test('further members are refused, kept or dropped', () => {
    const value = { x: 1, y: 2 };
    refuses(point, value, 'a.json.y must be left out: the members are x, label');
    assert.equal(object<Point>({ x: number() }, { label: text() }, 'keep')(value, ''), value);
    assert.equal(object<Point>({ x: number() }, { label: text() }, 'drop')(value, ''), { x: 1 });
  });

  test('a text is parsed and held to its schema', () => {
    assert.equal(parseJson('{"x": 2}', 'a.json', point), { x: 2 });
    refuses(() => parseJson('{"x": ', 'a.json', point), null, 'a.json: is not JSON');
    refuses(() => parseJson('{"x": true}', 'a.json', point), null, 'a.json.x must be a number: true');
  });
});
