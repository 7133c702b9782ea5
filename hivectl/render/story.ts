import type { HiveEvent } from '../../shared/protocol/events.js';
import type { Service } from '../../shared/protocol/results.js';
import type { Paint } from '../terminal.js';
import { adviceFor } from '../why/advice.js';
import type { Step, Story } from '../why/story.js';
import { eventSentence, requestSentence } from './event-sentence.js';
import { humanTime } from './measures.js';
import { stateStyle } from './state-style.js';
import { printable } from './text.js';

export interface StoryView {
  readonly now: Date;
  readonly paint: Paint;
}

/** The state and its reason, then the chain that led to it, oldest first, then what holds it up and what to do. */
export function renderStory(service: Service, story: Story, unmet: readonly Service[], { now, paint }: StoryView): string[] {
  const lines = [`${paint('bold', service.fqn)} is ${paint(stateStyle(service.state, service.healthy), stateWords(service))}${reasonClause(service)}`];
  if (story.steps.length > 0) lines.push('');
  if (story.missing !== null) lines.push(`  … it began with event #${story.missing}, which is past what the journal keeps.`);
  const [first] = story.steps;
  if (story.request !== null && first !== undefined) lines.push(`  ${time(first.event, now, paint)}  ${printable(requestSentence(story.request))}`);
  for (const step of story.steps) lines.push(...renderStep(step, now, paint));
  if (unmet.length > 0) {
    lines.push('', 'It depends on:');
    for (const each of unmet) lines.push(`  ${each.fqn}, which is ${paint(stateStyle(each.state, each.healthy), stateWords(each))}${reasonClause(each)}`);
  }
  const advice = adviceFor(service, unmet);
  return advice === null ? lines : [...lines, '', advice];
}

function renderStep({ event, times, others }: Step, now: Date, paint: Paint): string[] {
  const repeated = times > 1 ? ` (${times} times; this was the last)` : '';
  const lines = [`  ${time(event, now, paint)}  ${printable(eventSentence(event))}${repeated}${othersClause(others)}`];
  if (event.type !== 'service.crashed') return lines;
  const indent = ' '.repeat(humanTime(event.time, now).length + 4);
  return [...lines, ...event.lastLines.slice(-5).map((line) => paint('dim', `${indent}| ${printable(line)}`))];
}

function othersClause(others: number): string {
  return others === 0 ? '' : `; so ${others === 1 ? 'was one more' : `were ${others} more`} above it`;
}

function stateWords({ state, healthy }: Service): string {
  switch (state) {
    case 'waiting':
      return 'waiting';
    case 'backoff':
      return 'waiting for its next restart';
    case 'running':
      return healthy === false ? 'running, but not healthy' : healthy === true ? 'running and healthy' : 'running';
    default:
      return state;
  }
}

function reasonClause({ reason }: Service): string {
  if (reason === '') return '.';
  return `: ${printable(reason)}${/[.!?]$/.test(reason) ? '' : '.'}`;
}

function time(event: HiveEvent, now: Date, paint: Paint): string {
  return paint('dim', humanTime(event.time, now));
}
