/** One file of a program and all that it imports. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { type ProgramToBundle, ROOT } from './programs.ts';

/** Of what a module is that stands in no folder: `proto/` and the like are looked for beside the executable. */
const URL_NAME = '__executableUrl';

/** Where Swagger's own files are looked for: below a file, so that no folder of the machine is ever served. */
const NOWHERE = "module.exports = () => require('node:path').join(process.execPath, 'swagger-ui');";

/** What esbuild gets to see of our modules and of Nest's. */
const adaptModules: Plugin = {
  name: 'adapt-modules',
  setup(esbuild) {
    esbuild.onLoad({ filter: /swagger-ui-dist[\\/]absolute-path\.js$/ }, () => ({ contents: NOWHERE, loader: 'js' }));
    esbuild.onLoad({ filter: /[\\/](apps|libs|@nestjs)[\\/].*\.js$/ }, ({ path }) => ({
      contents: keepClassNames(followRequires(readFileSync(path, 'utf8'))),
      loader: 'js',
    }));
  },
};

/**
 * What modules load when they need it goes through `createRequire`, which esbuild
 * does not look into: it gets plain `require`s, which it follows.
 */
function followRequires(text: string): string {
  const names: string[] = [];
  const plain = text
    // Nest's default for an option that Berth does not set.
    .replaceAll('createRequire(import.meta.url)(protoLoader)', "require('@grpc/proto-loader')")
    .replaceAll('createRequire(import.meta.url)(', 'require(')
    .replaceAll(/^(?:const|var) (\w+) = createRequire\(import\.meta\.url\);$/gm, (_, name: string) => {
      names.push(name);
      return '';
    });
  return names.reduce((code, name) => code.replaceAll(new RegExp(`\\b${name}\\(`, 'g'), 'require('), plain);
}

/**
 * esbuild renames classes of one name, and those that are decorated; the API's
 * description, errors and logs have these names. Its own `keepNames` would cost
 * each function that is made while a request is answered.
 */
function keepClassNames(text: string): string {
  const named = "static { Object.defineProperty(this, 'name', { value: '$2', configurable: true }); }";
  return text.replaceAll(/^((?:export )?(?:default )?(?:let \w+ = (?:\w+ = )?)?class (\w+)[^{]*\{)/gm, `$1 ${named}`);
}

/** Nest asks for transports and adapters that Berth does not use, and does without them. */
const leaveOutAbsent: Plugin = {
  name: 'leave-out-absent',
  setup(esbuild) {
    esbuild.onResolve({ filter: /^[^./]/ }, async ({ path, pluginData, ...options }) => {
      if (pluginData === 'asked' || options.kind === 'entry-point') return undefined;
      const found = await esbuild.resolve(path, { ...options, pluginData: 'asked' });
      return found.errors.length > 0 ? { path, external: true } : undefined;
    });
  },
};

export interface Bundle {
  code: string;
  /** the modules that are in it */
  files: string[];
}

/** @throws Error when something would be looked for in a folder at run time */
export async function bundle({ folder }: ProgramToBundle): Promise<Bundle> {
  const { outputFiles, metafile } = await build({
    stdin: { contents: mainOf(folder), resolveDir: join(folder, 'dist') },
    plugins: [leaveOutAbsent, adaptModules],
    absWorkingDir: ROOT,
    bundle: true,
    platform: 'node',
    target: 'node24',
    // The main script of a single executable is CommonJS; with its code cached it cannot use import().
    format: 'cjs',
    supported: { 'dynamic-import': false },
    define: { 'import.meta.url': URL_NAME },
    banner: { js: `const ${URL_NAME} = require('node:url').pathToFileURL(process.execPath).href;` },
    write: false,
    metafile: true,
    logLevel: 'warning',
  });
  const code = outputFiles[0]?.text ?? '';
  const left = new RegExp(`createRequire[\\w$]*\\)?\\(${URL_NAME}`).exec(code);
  if (left !== null) throw new Error(`a module still looks for others in its folder: ${context(code, left.index)}`);
  return { code, files: Object.keys(metafile.inputs).map((file) => join(ROOT, file)) };
}

function context(code: string, index: number): string {
  return code.slice(Math.max(0, index - 200), index + 100);
}

/** The program's `main.js` without what CommonJS does not have: `await` outside of functions. */
function mainOf(folder: string): string {
  const lines = readFileSync(join(folder, 'dist/main.js'), 'utf8').split('\n');
  const isImport = (line: string): boolean => line.startsWith('import ');
  const body = lines.filter((line) => !isImport(line) && !line.startsWith('#!') && !line.startsWith('//#'));
  return `${lines.filter(isImport).join('\n')}\nvoid (async () => {\n${body.join('\n')}\n})();\n`;
}
