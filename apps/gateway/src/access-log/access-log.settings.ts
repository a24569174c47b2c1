import { Choice, File, type Frozen, Share, Switch } from '@berth/config';
import { registerAs } from '@nestjs/config';

export class AccessLogSettings {
  @Choice(['off', 'errors', 'sampled', 'all'], {
    description:
      'Which requests and connections of clients get a line: none; those that Berth ended or answered with an error, and answers with 5xx; these and a share of the others; all.',
    live: true,
  })
  mode: 'off' | 'errors' | 'sampled' | 'all' = 'off';

  @Choice(['json', 'combined'], {
    description: 'How a line looks: an object with all fields, or the format that nginx and Apache call combined.',
    live: true,
  })
  format: 'json' | 'combined' = 'json';

  @Share({ description: 'Share of the requests without an error that get a line where mode is sampled.', live: true })
  sample = 0.01;

  @File({
    description:
      'File that lines are added to; opened anew on SIGUSR2, and when it was moved. Empty: stdout, between the lines of the log.',
    live: true,
  })
  file = '';

  @Switch({
    description: 'Lines have the query of the target and of the referer, which may hold tokens.',
    live: true,
  })
  query = false;
}

export const accessLogConfig = registerAs('berth.accessLog', (): Frozen<AccessLogSettings> => new AccessLogSettings());
