import type { PluginManifest } from '../../shared/protocol/link.js';

export interface PluginSettings {
  /** What `plugins.<id>` in hive.yaml says, and below it what variables say. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** By setting, the variable that it came from. */
  readonly variables: Readonly<Record<string, string>>;
}

/**
 * Fills in from the daemon's environment what hive.yaml leaves out. The file wins, so that saving it always has an effect.
 * The values go to the plugin over its link and never into its own environment. An empty variable counts as none.
 */
export function pluginSettings(
  { settingsFromEnvironment }: Pick<PluginManifest, 'settingsFromEnvironment'>, written: Readonly<Record<string, unknown>>, environment: Readonly<Record<string, string | undefined>>,
): PluginSettings {
  const settings: Record<string, unknown> = { ...written };
  const variables: Record<string, string> = {};
  for (const [setting, names] of Object.entries(settingsFromEnvironment)) {
    if (written[setting] !== undefined && written[setting] !== null) continue;
    const name = names.find((variable) => (environment[variable] ?? '') !== '');
    if (name === undefined) continue;
    settings[setting] = environment[name];
    variables[setting] = name;
  }
  return { settings, variables };
}
