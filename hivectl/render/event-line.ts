import { eventTypes, type HiveEvent } from '../../shared/protocol/events.js';
import type { Paint, Style } from '../terminal.js';
import { eventSentence, requestSentence } from './event-sentence.js';
import { humanTime } from './measures.js';
import { printable } from './text.js';

/** One event as one line: time, number, type, sentence, cause. */
export function renderEvent(event: HiveEvent, now: Date, paint: Paint): string {
  // A newer daemon may send types that this hivectl has never heard of.
  const sentence = Object.hasOwn(eventTypes, event.type) ? eventSentence(event) : otherFields(event);
  return [
    paint('dim', humanTime(event.time, now)),
    paint('dim', `#${event.seq}`),
    paint(eventStyle(event), event.type),
    printable(sentence),
    paint('dim', causeMark(event)),
  ]
    .filter((part) => part !== '')
    .join('  ');
}

function causeMark({ cause }: HiveEvent): string {
  if (cause === undefined) return '';
  return typeof cause === 'number' ? `(because of #${cause})` : printable(`(${requestSentence(cause)})`);
}

function eventStyle(event: HiveEvent): Style {
  switch (event.type) {
    case 'service.crashed':
    case 'service.failed':
    case 'source.error':
    case 'rollout.failed':
    case 'plugin.crashed':
    case 'plugin.quarantined':
    case 'plugin.unresponsive':
    case 'gap':
      return 'red';
    case 'service.healthChanged':
      return event.healthy ? 'green' : 'red';
    case 'service.started':
    case 'service.completed':
    case 'service.adopted':
    case 'plugin.ready':
    case 'rollout.finished':
      return 'green';
    default:
      return 'cyan';
  }
}

function otherFields(event: object): string {
  const known = new Set(['epoch', 'seq', 'time', 'type', 'cause']);
  const fields = Object.entries(event).filter(([name]) => !known.has(name));
  return fields.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(' ');
}
