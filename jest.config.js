/** Tests run as compiled by `npm run build`, in Node's own module system: what is tested is what ships. */
export default {
  rootDir: '.',
  roots: ['<rootDir>/dist/test'],
  testMatch: ['**/*.test.js'],
  testEnvironment: 'node',
  transform: {},
  testTimeout: 60_000,
  maxWorkers: 3,
  modulePathIgnorePatterns: [],
  reporters: ['default', '<rootDir>/dist/test/support/engines/skipped-engines-reporter.js'],
};
