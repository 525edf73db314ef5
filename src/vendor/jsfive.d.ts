/** The part of jsfive that is used; the package has no types. */
declare module 'jsfive' {
  export class Group {
    readonly keys: string[];
    readonly attrs: Readonly<Record<string, unknown>>;
    get(path: string): Group | Dataset | null;
  }
  export class Dataset {
    readonly shape: number[];
    readonly dtype: unknown;
    readonly value: ArrayLike<number>;
    readonly attrs: Readonly<Record<string, unknown>>;
  }
  export class File extends Group {
    constructor(buffer: ArrayBuffer, name: string);
  }
}
