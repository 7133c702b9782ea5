import { z } from 'zod';
import { HiveError } from '../../shared/errors/index.js';
import { describeNeed, isGranted } from '../../shared/protocol/grants.js';
import { methods, type MethodName, type Result, type ValidParams } from '../../shared/protocol/methods.js';
import { methodNotFound, type RawJson, type RequestContext } from '../../shared/rpc/index.js';
import type { Session } from './session.js';

export interface Call {
  readonly session: Session;
  readonly context: Pick<RequestContext, 'signal' | 'progress'>;
  /** The request as the cause of what it leads to. */
  readonly requested: { readonly request: MethodName; readonly by: string };
}

type Answer<T> = T | RawJson | Promise<T | RawJson>;

/** What the daemon does for each method; a method without a handler does not compile. */
export type Handlers = { readonly [M in MethodName]: (params: ValidParams<M>, call: Call) => Answer<Result<M>> };

/** Checks params and grants against the table, here and nowhere else, then calls the handler. */
export function dispatcher(handlers: Handlers): (session: Session, method: string, params: unknown, context: Call['context']) => unknown {
  const schemas = new Map<MethodName, z.ZodType>();
  const schemaOf = (method: MethodName): z.ZodType => {
    let schema = schemas.get(method);
    if (schema === undefined) schemas.set(method, (schema = methods[method].params(z)));
    return schema;
  };
  return (session, method, params, context) => {
    if (!Object.hasOwn(methods, method)) throw methodNotFound(method);
    const name = method as MethodName;
    const checked = schemaOf(name).safeParse(params ?? {});
    if (!checked.success) throw invalidParams(name, checked.error);
    const need = (methods[name].need as (params: unknown) => ReturnType<(typeof methods)[MethodName]['need']>)(checked.data);
    if (need !== null && !isGranted(session.grants, need)) {
      throw new HiveError('PERMISSION_DENIED', `${session.by} may not call ${name}: it lacks the grant ${describeNeed(need)}.`, {
        next: 'Add the grant to the plugin\'s manifest (hive-plugin.json), then `hivectl plugin reload`.',
        data: { grant: describeNeed(need) },
      });
    }
    const call: Call = { session, context, requested: { request: name, by: session.by } };
    return (handlers[name] as (params: unknown, call: Call) => unknown)(checked.data, call);
  };
}

function invalidParams(method: MethodName, error: z.ZodError): HiveError {
  const problems = error.issues.map((issue) => `${issue.path.length === 0 ? 'params' : issue.path.join('.')}: ${issue.message}`);
  return new HiveError('INVALID_PARAMS', `${method} was called with wrong parameters: ${problems.join('; ')}.`, {
    next: 'See docs/protocol.md for what the method takes.',
    data: { method, problems },
  });
}
