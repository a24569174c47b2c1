import { randomBytes } from 'node:crypto';
import { runCommand } from '@berth/config';
import { GATEWAY, loadGatewaySettings } from './gateway-settings.js';

const SECRET_BYTES = 24;

/** What came of the first argument. */
export interface GatewayCommand {
  /** exit code; undefined: start */
  readonly code: number | undefined;
  /** `quick`: secret that was made for this run, empty: one was given; undefined: an ordinary start */
  readonly madeToken: string | undefined;
}

/** Does what the first argument of `berth-gateway` asks for instead of a start, or besides. */
export async function gatewayCommand(argv: readonly string[]): Promise<GatewayCommand> {
  let madeToken: string | undefined;
  const code = await runCommand(GATEWAY, argv, {
    quick: ({ rest }) => {
      if (!process.stdout.isTTY) throw new Error('it shows a secret, so it needs a terminal; give BERTH_TOKEN instead');
      // The rest is a start, whose settings are looked up again while it runs, in the same places.
      process.argv.splice(2, 1);
      madeToken = '';
      const loaded = loadGatewaySettings({ argv: rest });
      if (loaded.kind === 'exit' || loaded.settings.auth.token !== '') return undefined;
      madeToken = randomBytes(SECRET_BYTES).toString('base64url');
      process.env['BERTH_TOKEN'] = madeToken;
      return undefined;
    },
  });
  return { code, madeToken };
}
