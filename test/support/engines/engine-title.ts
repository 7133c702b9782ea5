/** The beginning of the title under which tests stand that need an engine: the reporter and `.ci/run` know them by it. */
export const engineTitle = 'with a real';
