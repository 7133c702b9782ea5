import { ProcessScans } from '../../../shared/process/process-scans.js';
import { incarnationVariable } from './environment.js';

/** The one scanner of this process: all stops under way share what it sees. */
export const incarnationScans = new ProcessScans(incarnationVariable);
