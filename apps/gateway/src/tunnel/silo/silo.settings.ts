import { Integer, Switch } from '@berth/config';

/** The least that a bound may be: one message of the original wire. */
const MESSAGE_BYTES = 4_194_304;

export class SiloSettings {
  @Switch({
    description:
      'Whether agents of silo-proxy may dial in. Their wire has no token: with auth.token set, they need a client certificate.',
  })
  enabled = false;

  @Switch({
    description: 'Lets them in without a certificate although auth.token is set: whoever reaches the gRPC port is one.',
  })
  insecure = false;

  @Integer(1, 100_000, {
    description:
      'Requests that one of them is given at a time; further ones get 503. The original agent loses answers when more than 100 are ready at once.',
  })
  maxExchanges = 100;

  @Integer(MESSAGE_BYTES, 1_073_741_824, {
    description:
      'Largest answer of one of them; a larger one ends its connection, because answers come as one message.',
  })
  maxAnswerBytes = 16_777_216;

  @Integer(MESSAGE_BYTES, 4_294_967_296, {
    description:
      'Bytes of requests that one connection holds, above which requests get 503; and of answers, above which none is read from it until clients have taken some.',
  })
  maxBufferedBytes = 33_554_432;
}
