/** Where Podman, spoken to through its Docker-compatible socket, is not Docker. Everything else is one code. */
export interface Flavour {
  readonly name: 'docker' | 'podman';
  /** Files in which credentials of registries are looked up, the first that has some; `~` is the home folder, `$X` a variable. */
  readonly credentialFiles: readonly string[];
  /** The registry of an image that names none. */
  readonly defaultRegistry: string;
  /** How logs are kept by the engine, so that they can be read back. */
  readonly logDriver: { readonly Type: string; readonly Config: Readonly<Record<string, string>> };
  /** Whether a look at what a container uses can be had at once, without the second that two looks take. */
  readonly oneShotStats: boolean;
}

const enoughForADaemonThatIsAway = { 'max-size': '50m' };

export const flavours: Readonly<Record<'docker' | 'podman', Flavour>> = {
  docker: {
    name: 'docker',
    credentialFiles: ['$DOCKER_CONFIG/config.json', '~/.docker/config.json'],
    defaultRegistry: 'https://index.docker.io/v1/',
    logDriver: { Type: 'json-file', Config: { ...enoughForADaemonThatIsAway, 'max-file': '2' } },
    oneShotStats: true,
  },
  podman: {
    name: 'podman',
    credentialFiles: ['$REGISTRY_AUTH_FILE', '$XDG_RUNTIME_DIR/containers/auth.json', '/run/containers/0/auth.json', '~/.config/containers/auth.json', '$DOCKER_CONFIG/config.json', '~/.docker/config.json'],
    defaultRegistry: 'docker.io',
    logDriver: { Type: 'k8s-file', Config: enoughForADaemonThatIsAway },
    oneShotStats: false,
  },
};
