import { IsInt, IsOptional, IsString, Max, Min } from 'class-validator';
import { type CallContext, Method, Service } from 'berth-services';

/** What `shorten` takes. Its rules are checked before the method runs. */
export class ShortenInput {
  @IsString()
  text!: string;

  @IsInt()
  @Min(1)
  @Max(1000)
  words!: number;

  /** stands for what was cut off; default `…` */
  @IsOptional()
  @IsString()
  ellipsis?: string;
}

export interface Shortened {
  readonly text: string;
  readonly dropped: number;
}

/** Functions: stateless methods, one shared instance. */
@Service('TextTools', { package: 'example' })
export class TextTools {
  @Method({ stateless: true })
  shorten({ text, words, ellipsis = '…' }: ShortenInput): Shortened {
    const all = text.split(/\s+/).filter((word) => word !== '');
    const dropped = Math.max(all.length - words, 0);
    return { text: all.slice(0, words).join(' ') + (dropped > 0 ? ellipsis : ''), dropped };
  }

  /** A string travels as it is, without quotes, in both directions. */
  @Method({ stateless: true })
  upper(text: string, { options }: CallContext): string {
    return text.toLocaleUpperCase(options['locale'] ?? 'en');
  }
}
