import { ProcessLedger } from '../../../shared/process/process-ledger.js';
import { ProcessScans } from '../../../shared/process/process-scans.js';
import { incarnationVariable } from './environment.js';

/** The one scanner of this process: all stops under way share what it sees. */
export const incarnationScans = new ProcessScans(incarnationVariable);

/** For the usual case, in which nothing is left of an instance: that needs no scan. */
export const incarnationLedger = new ProcessLedger(incarnationVariable);
