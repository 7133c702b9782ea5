import type { PluginManifest, RememberedPlugin, ServiceFeature } from '../../shared/protocol/link.js';

export interface WantInputs {
  readonly manifest: Pick<PluginManifest, 'id' | 'activation' | 'settingsFromEnvironment'>;
  readonly choice: RememberedPlugin['choice'];
  /** What hive.yaml says under `plugins.<id>`, and below it the environment. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** By setting, the variable that it came from. */
  readonly variables: Readonly<Record<string, string>>;
  readonly someServiceHas: (feature: ServiceFeature) => boolean;
}

/** `reason`: a sentence for the operator; why it runs or does not. */
export interface Want { readonly wanted: boolean; readonly byHand: boolean; readonly reason: string }

/**
 * Whether a plugin is to run: what a person decided with hivectl comes first, then `enabled` in hive.yaml, then what its
 * manifest says about being left alone.
 */
export function wantOf(inputs: WantInputs): Want {
  const { manifest, choice, settings } = inputs;
  switch (choice) {
    case 'enabled': return { wanted: true, byHand: true, reason: 'It was enabled by hand.' };
    case 'disabled': return { wanted: false, byHand: true, reason: `It was disabled by hand: hivectl plugin enable ${manifest.id}.` };
    case 'default': {
      const { enabled } = settings;
      if (typeof enabled === 'boolean') return { wanted: enabled, byHand: true, reason: `hive.yaml says plugins.${manifest.id}.enabled: ${enabled}.` };
      return { ...byItself(inputs), byHand: false };
    }
  }
}

function byItself({ manifest: { id, activation, settingsFromEnvironment }, settings, variables, someServiceHas }: WantInputs): Omit<Want, 'byHand'> {
  switch (activation.kind) {
    case 'always':
      return { wanted: true, reason: 'It runs unless it is disabled.' };
    case 'enabled':
      return { wanted: false, reason: `It runs only when asked to: plugins.${id}.enabled: true in hive.yaml, or hivectl plugin enable ${id}.` };
    case 'setting': {
      const set = activation.anyOf.find((name) => settings[name] !== undefined && settings[name] !== null);
      if (set !== undefined) return { wanted: true, reason: variables[set] === undefined ? `plugins.${id}.${set} is set in hive.yaml.` : `${variables[set]} is set in the daemon's environment.` };
      const byVariable = activation.anyOf.flatMap((name) => settingsFromEnvironment[name]?.slice(0, 1) ?? []);
      const orVariable = byVariable.length === 0 ? '' : `, or the daemon's environment ${byVariable.join(' or ')}`;
      return { wanted: false, reason: `It runs once hive.yaml sets ${activation.anyOf.map((name) => `plugins.${id}.${name}`).join(' or ')}${orVariable}.` };
    }
    case 'serviceHas': {
      const feature = { route: 'a proxy route', scale: 'a scale section' }[activation.feature];
      if (someServiceHas(activation.feature)) return { wanted: true, reason: `A service has ${feature}.` };
      return { wanted: false, reason: `It runs once a service has ${feature}.` };
    }
  }
}
