import type { PluginManifest, RememberedPlugin, ServiceFeature } from '../../shared/protocol/link.js';

export interface WantInputs {
  readonly manifest: Pick<PluginManifest, 'id' | 'activation'>;
  readonly choice: RememberedPlugin['choice'];
  /** What hive.yaml says under `plugins.<id>`. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly someServiceHas: (feature: ServiceFeature) => boolean;
}

/** `reason`: a sentence for the operator; why it runs or does not. */
export interface Want { readonly wanted: boolean; readonly byHand: boolean; readonly reason: string }

/**
 * Whether a plugin is to run: what a person decided with hivectl comes first, then `enabled` in hive.yaml, then what its
 * manifest says about being left alone.
 */
export function wantOf({ manifest, choice, settings, someServiceHas }: WantInputs): Want {
  switch (choice) {
    case 'enabled': return { wanted: true, byHand: true, reason: 'It was enabled by hand.' };
    case 'disabled': return { wanted: false, byHand: true, reason: `It was disabled by hand: hivectl plugin enable ${manifest.id}.` };
    case 'default': {
      const { enabled } = settings;
      if (typeof enabled === 'boolean') return { wanted: enabled, byHand: true, reason: `hive.yaml says plugins.${manifest.id}.enabled: ${enabled}.` };
      return { ...byItself(manifest, settings, someServiceHas), byHand: false };
    }
  }
}

function byItself({ id, activation }: WantInputs['manifest'], settings: WantInputs['settings'], someServiceHas: WantInputs['someServiceHas']): Omit<Want, 'byHand'> {
  switch (activation.kind) {
    case 'always':
      return { wanted: true, reason: 'It runs unless it is disabled.' };
    case 'enabled':
      return { wanted: false, reason: `It runs only when asked to: plugins.${id}.enabled: true in hive.yaml, or hivectl plugin enable ${id}.` };
    case 'setting': {
      const set = activation.anyOf.find((name) => settings[name] !== undefined && settings[name] !== null);
      if (set !== undefined) return { wanted: true, reason: `plugins.${id}.${set} is set in hive.yaml.` };
      return { wanted: false, reason: `It runs once hive.yaml sets ${activation.anyOf.map((name) => `plugins.${id}.${name}`).join(' or ')}.` };
    }
    case 'serviceHas': {
      const feature = { route: 'a proxy route', scale: 'a scale section' }[activation.feature];
      if (someServiceHas(activation.feature)) return { wanted: true, reason: `A service has ${feature}.` };
      return { wanted: false, reason: `It runs once a service has ${feature}.` };
    }
  }
}
