import { methods, type MethodName, type Methods, type Params, type Result } from '../protocol/methods.js';
import type { CallOptions } from '../rpc/index.js';

export type { CallOptions };

/** Parameters may be left out where none is required. */
type Arguments<M extends MethodName> = Record<never, never> extends Params<M>
  ? [params?: Params<M>, options?: CallOptions]
  : [params: Params<M>, options?: CallOptions];

/** One method per row of the method table: `source.add` is `addSource({path})`. */
export type ClientMethods = {
  [M in MethodName as Methods[M]['client']]: (...given: Arguments<M>) => Promise<Result<M>>;
};

type Caller = { call(method: MethodName, params: unknown, options?: CallOptions): Promise<unknown> };

/** Every row of the table as a method on one prototype, which hands the call to `this.call`. */
export function clientMethodsPrototype(): object {
  const prototype: Record<string, (this: Caller, params?: unknown, options?: CallOptions) => Promise<unknown>> = {};
  for (const name of Object.keys(methods) as MethodName[]) {
    prototype[methods[name].client] = function callRow(this: Caller, params: unknown = {}, options?: CallOptions) {
      return this.call(name, params, options);
    };
  }
  return prototype;
}
