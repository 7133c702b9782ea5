import { texts, text } from './schema-parts.js';

/** What people and plugins note on a service, to find it again by; it changes nothing about how the service runs. */
export const labelsSchema = texts(text());
