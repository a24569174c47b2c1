// Writes the packages that people install, as npm would publish them: npm run pack -- <folder>
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

interface Manifest {
  name: string;
  version: string;
  private?: boolean;
  exports: Record<string, string | Record<string, string>>;
  dependencies?: Record<string, string>;
  bundleDependencies?: string[];
}

interface Workspace {
  folder: string;
  manifest: Manifest;
}

const root = resolve(import.meta.dirname, '..');

const workspaces = new Map<string, Workspace>(
  ['libs', 'apps']
    .flatMap((group) => readdirSync(join(root, group)).map((name) => join(root, group, name)))
    .map((folder): [string, Workspace] => {
      const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
      return [manifest.name, { folder, manifest }];
    }),
);

/** The private packages that one needs, directly or through others: they travel inside it. */
function internalsOf({ manifest }: Workspace, found = new Map<string, Workspace>()): Map<string, Workspace> {
  for (const name of Object.keys(manifest.dependencies ?? {})) {
    const workspace = workspaces.get(name);
    if (workspace?.manifest.private !== true || found.has(name)) continue;
    found.set(name, workspace);
    internalsOf(workspace, found);
  }
  return found;
}

/** `exports` without the sources, which are not in the package. */
function publishedExports(manifest: Manifest): Manifest['exports'] {
  const withoutSources = (target: string | Record<string, string>): string | Record<string, string> =>
    typeof target === 'string'
      ? target
      : Object.fromEntries(Object.entries(target).filter(([condition]) => condition !== 'berth-source'));
  return Object.fromEntries(Object.entries(manifest.exports).map(([door, target]) => [door, withoutSources(target)]));
}

function stage({ folder, manifest }: Workspace, to: string, changes: Partial<Manifest>): void {
  mkdirSync(to, { recursive: true });
  cpSync(join(folder, 'dist'), join(to, 'dist'), {
    recursive: true,
    // Source maps lead to sources that are not there.
    filter: (file) => !file.endsWith('.map') && !file.endsWith('.tsbuildinfo'),
  });
  const published = { ...manifest, exports: publishedExports(manifest), ...changes };
  writeFileSync(join(to, 'package.json'), `${JSON.stringify(published, null, 2)}\n`);
}

function pack(workspace: Workspace, into: string): void {
  const { manifest } = workspace;
  const folder = join(into, manifest.name.replace('@', '').replace('/', '-'));
  const internals = internalsOf(workspace);
  const dependencies = Object.assign(
    {},
    manifest.dependencies,
    ...[...internals.values()].map((internal) => internal.manifest.dependencies),
  ) as Record<string, string>;
  stage(workspace, folder, {
    exports: { ...publishedExports(manifest), './proto/*': './proto/*' },
    dependencies,
    bundleDependencies: [...internals.keys()],
    files: ['dist', 'proto'],
  } as Partial<Manifest>);
  cpSync(join(root, 'proto'), join(folder, 'proto'), { recursive: true });
  cpSync(join(root, 'LICENSE'), join(folder, 'LICENSE'));
  const readme = join(workspace.folder, 'README.md');
  if (existsSync(readme)) cpSync(readme, join(folder, 'README.md'));
  for (const [name, internal] of internals) stage(internal, join(folder, 'node_modules', name), {});
  execFileSync('npm', ['pack', '--silent', '--pack-destination', into], { cwd: folder, stdio: 'inherit' });
  rmSync(folder, { recursive: true });
}

const into = resolve(process.argv[2] ?? join(root, 'dist/packages'));
mkdirSync(into, { recursive: true });
for (const workspace of workspaces.values()) if (workspace.manifest.private !== true) pack(workspace, into);
