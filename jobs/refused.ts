/** A request about a video that can not be done as things are, and why: `code` tells callers, the message people. */
export abstract class RefusedError<Code extends string> extends Error {
  readonly code: Code;

  constructor(code: Code, message: string) {
    super(message);
    this.code = code;
  }
}
