/** The local service of an agent that says nothing of several. */
export const DEFAULT_SERVICE = 'default';
