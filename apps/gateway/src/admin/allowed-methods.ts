import type { OpenAPIObject } from '@nestjs/swagger';

/**
 * Which methods a path of the admin port takes, by the API's own description.
 *
 * @returns a function from a path to its methods, for `Allow`; undefined: there is no such path
 */
export function methodsByPath({ paths }: OpenAPIObject): (path: string) => string | undefined {
  const routes = Object.entries(paths).map(([path, item]) => ({
    pattern: new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/]+')}/?$`, 'i'),
    methods: Object.keys(item),
  }));
  routes.push({ pattern: /^\/(docs(\/|$)|$)/i, methods: ['get'] });
  return (path) => {
    // `/agents/config` takes a configuration for all, and is the page of an agent of that name.
    const methods = routes.filter(({ pattern }) => pattern.test(path)).flatMap((route) => route.methods);
    return methods.length === 0 ? undefined : allowOf([...new Set(methods)]);
  };
}

function allowOf(methods: readonly string[]): string {
  const names = methods.map((method) => method.toUpperCase());
  return [...names, ...(names.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].sort().join(', ');
}
