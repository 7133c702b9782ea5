/** What the signaling server is told, and `hivectl plugin list` shows. */
export const pluginVersion = '1.0.0';
