/**
 * Reads pickles without running anything: the opcodes that PyTorch writes, and of all names in Python only those that
 * tensors are made of. https://docs.python.org/3/library/pickletools.html
 *
 * The library `pickleparser` constructs whatever stands on its stack and sets members by names of the file, `__proto__`
 * among them; so this is our own, of what `torch.load(weights_only=True)` takes.
 */
import { DataError } from '../../core/errors.js';
import { isList, make, nameOf, storageOf } from './names.js';
import { op } from './opcodes.js';

const mark = Symbol('mark');

/** Each may make a value: a byte of a file, many in memory. */
const mostSteps = 2_000_000;

class Machine {
  private readonly view: DataView;
  private stack: unknown[] = [];
  private readonly memo = new Map<number, unknown>();
  private steps = 0;

  constructor(
    private readonly bytes: Uint8Array,
    public position: number,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  run(): unknown {
    for (;;) {
      const code = this.take(1);
      if (code === op.stop) return this.pop();
      this.step(code);
    }
  }

  private step(code: number): void {
    if (++this.steps > mostSteps) throw new DataError(`over ${mostSteps} opcodes, more than tensors need`);
    const literal = this.literal(code);
    if (literal !== undefined) this.stack.push(literal.value);
    else if (!this.structure(code) && !this.remembered(code) && !this.called(code)) {
      throw new DataError(`the opcode ${code} at byte ${this.position - 1} is none that models have`);
    }
  }

  /** Unsigned, little-endian. */
  private take(size: 1 | 2 | 4 | 8): number {
    const at = this.advance(size);
    if (size === 1) return this.view.getUint8(at);
    if (size === 2) return this.view.getUint16(at, true);
    return size === 4 ? this.view.getUint32(at, true) : Number(this.view.getBigUint64(at, true));
  }

  private advance(size: number): number {
    const at = this.position;
    if (!(size <= this.bytes.length - at))
      throw new DataError(`it ends at byte ${this.bytes.length}, amid a value`);
    this.position += size;
    return at;
  }

  private slice(size: number): Uint8Array {
    const at = this.advance(size);
    return this.bytes.subarray(at, at + size);
  }

  private text(size: number): string {
    return new TextDecoder().decode(this.slice(size));
  }

  private line(): string {
    const end = this.bytes.indexOf(0x0a, this.position);
    if (end < 0) throw new DataError('it ends amid a line');
    const text = this.text(end - this.position);
    this.position = end + 1;
    return text;
  }

  private pop(): unknown {
    if (this.stack.length === 0) throw new DataError('it takes a value that is not there');
    const value = this.stack.pop();
    if (value === mark) throw new DataError('it takes a value that is not there');
    return value;
  }

  private top(): unknown {
    const value = this.stack.at(-1);
    if (value === undefined || value === mark) throw new DataError('it takes a value that is not there');
    return value;
  }

  private popToMark(): unknown[] {
    const at = this.stack.lastIndexOf(mark);
    if (at < 0) throw new DataError('it takes values from a mark that is not there');
    return this.stack.splice(at).slice(1);
  }

  /** A signed integer of any length; one that is too large for a number is of no account here. */
  private long(size: number): number {
    const bytes = this.slice(size);
    let value = 0n;
    for (let i = Math.min(size, 64) - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]!);
    return Number(size <= 64 ? BigInt.asIntN(8 * Math.max(1, size), value) : value);
  }

  private literal(code: number): { readonly value: unknown } | undefined {
    switch (code) {
      case op.none:
        return { value: null };
      case op.yes:
        return { value: true };
      case op.no:
        return { value: false };
      case op.integer1:
        return { value: this.take(1) };
      case op.integer2:
        return { value: this.take(2) };
      case op.integer4:
        return { value: this.take(4) | 0 };
      case op.integerText:
      case op.longText:
        return { value: Number.parseInt(this.line(), 10) };
      case op.long1:
        return { value: this.long(this.take(1)) };
      case op.long4:
        return { value: this.long(this.take(4)) };
      case op.float:
        return { value: Number.parseFloat(this.line()) };
      case op.binaryFloat:
        return { value: this.view.getFloat64(this.advance(8), false) };
      case op.unicode1:
      case op.string1:
        return { value: this.text(this.take(1)) };
      case op.unicode4:
      case op.string4:
        return { value: this.text(this.take(4)) };
      case op.unicode8:
        return { value: this.text(this.take(8)) };
      case op.shortBytes:
        return { value: this.slice(this.take(1)) };
      case op.bytes:
        return { value: this.slice(this.take(4)) };
      case op.bytes8:
        return { value: this.slice(this.take(8)) };
      default:
        return undefined;
    }
  }

  private structure(code: number): boolean {
    const { stack } = this;
    switch (code) {
      case op.protocol:
        this.take(1);
        return true;
      case op.frame:
        this.take(8);
        return true;
      case op.mark:
        stack.push(mark);
        return true;
      case op.pop:
        stack.pop();
        return true;
      case op.popMark:
        this.popToMark();
        return true;
      case op.duplicate:
        stack.push(this.top());
        return true;
      case op.emptyTuple:
      case op.emptyList:
      case op.emptySet:
        stack.push([]);
        return true;
      case op.tuple:
      case op.list:
        stack.push(this.popToMark());
        return true;
      case op.tuple1:
      case op.tuple2:
      case op.tuple3: {
        const values = Array.from({ length: code - op.tuple1 + 1 }, () => this.pop());
        stack.push(values.reverse());
        return true;
      }
      default:
        return this.collection(code);
    }
  }

  private collection(code: number): boolean {
    switch (code) {
      case op.append:
        this.extend([this.pop()]);
        return true;
      case op.appends:
      case op.addItems:
        this.extend(this.popToMark());
        return true;
      case op.emptyDict:
        this.stack.push(new Map());
        return true;
      case op.dict: {
        const items = this.popToMark();
        this.stack.push(new Map());
        this.assign(items);
        return true;
      }
      case op.setItem: {
        const value = this.pop();
        this.assign([this.pop(), value]);
        return true;
      }
      case op.setItems:
        this.assign(this.popToMark());
        return true;
      default:
        return false;
    }
  }

  private extend(values: readonly unknown[]): void {
    const list = this.top();
    if (!isList(list)) throw new DataError('it appends to what is no list');
    for (const value of values) list.push(value);
  }

  private assign(items: readonly unknown[]): void {
    const dict = this.top();
    if (!(dict instanceof Map) || items.length % 2 !== 0)
      throw new DataError('it sets items of what is no dict');
    for (let i = 0; i < items.length; i += 2) dict.set(items[i], items[i + 1]);
  }

  private remembered(code: number): boolean {
    switch (code) {
      case op.put1:
        this.memo.set(this.take(1), this.top());
        return true;
      case op.put4:
        this.memo.set(this.take(4), this.top());
        return true;
      case op.putText:
        this.memo.set(Number.parseInt(this.line(), 10), this.top());
        return true;
      case op.memoize:
        this.memo.set(this.memo.size, this.top());
        return true;
      case op.get1:
        this.stack.push(this.recall(this.take(1)));
        return true;
      case op.get4:
        this.stack.push(this.recall(this.take(4)));
        return true;
      case op.getText:
        this.stack.push(this.recall(Number.parseInt(this.line(), 10)));
        return true;
      default:
        return false;
    }
  }

  private recall(index: number): unknown {
    if (!this.memo.has(index)) throw new DataError(`it recalls the value ${index}, which it never kept`);
    return this.memo.get(index);
  }

  private called(code: number): boolean {
    switch (code) {
      case op.global: {
        const module = this.line();
        this.stack.push(nameOf(module, this.line()));
        return true;
      }
      case op.stackGlobal: {
        const name = this.pop();
        this.stack.push(nameOf(String(this.pop()), String(name)));
        return true;
      }
      case op.reduce:
      case op.newObject: {
        const values = this.pop();
        this.stack.push(make(this.pop(), values));
        return true;
      }
      case op.build:
        // what a dict of tensors carries beside them: versions of modules
        this.pop();
        if (!(this.top() instanceof Map)) throw new DataError('it sets the state of what is no dict');
        return true;
      case op.persistent:
        this.stack.push(storageOf(this.pop()));
        return true;
      default:
        return false;
    }
  }
}

/**
 * The value of a pickle: null, booleans, numbers, texts, bytes, lists, Maps and tensors.
 *
 * @returns the value, and where the next byte is
 * @throws ModelError naming a name of Python that is not allowed; DataError for bytes that are no pickle
 */
export function unpickle(bytes: Uint8Array, start = 0): { readonly value: unknown; readonly end: number } {
  const machine = new Machine(bytes, start);
  const value = machine.run();
  return { value, end: machine.position };
}
