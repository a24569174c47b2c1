import { File, type Frozen, Switch } from '@berth/config';
import { registerAs } from '@nestjs/config';

export class StateSettings {
  @File({
    description:
      'SQLite file that keeps leases and pinned ports over restarts; its directory must exist and be writable. Empty: they end with the process.',
  })
  file = '';

  @Switch({
    description: 'Begin with an empty file where it is damaged, with a copy kept beside it; else the gateway ends.',
  })
  resetDamaged = false;
}

export const stateConfig = registerAs('berth.state', (): Frozen<StateSettings> => new StateSettings());
