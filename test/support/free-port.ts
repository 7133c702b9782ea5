export { freePort } from '../../examples/free-port.js';
