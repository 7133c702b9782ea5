export { errorCatalogue, type ErrorCode } from './catalogue.js';
export { HiveError, hiveErrorFromWire, isErrorCode, toHiveError } from './hive-error.js';
