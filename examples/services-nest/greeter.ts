import { Inject, Injectable, Module } from '@nestjs/common';
import { type CallContext, Getter, Method, Service, State } from 'berth-services';

const WORDS: Readonly<Record<string, string>> = { en: 'Hello', de: 'Guten Tag', tr: 'Merhaba' };

/** A provider of your application that a service needs. */
@Injectable()
export class Greetings {
  in(language: string): string {
    return WORDS[language] ?? 'Hello';
  }
}

@Module({ providers: [Greetings], exports: [Greetings] })
export class GreetingsModule {}

/** Nest makes its instances: one for stateless calls, and one for each object. */
@Service('Greeter', { package: 'example' })
export class Greeter {
  @Getter() @State() visits: number = 0;

  constructor(@Inject(Greetings) private readonly greetings: Greetings) {}

  @Method({ stateless: true })
  greet(name: string, { options }: CallContext): string {
    return `${this.greetings.in(options['language'] ?? 'en')}, ${name}!`;
  }

  /** Served by an agent; the object is the guest. */
  @Method({ serveWithAgent: true })
  arrive(language: string, { objectId = '' }: CallContext): string {
    this.visits += 1;
    return `${this.greetings.in(language)}, ${objectId}! Visit ${this.visits}.`;
  }
}
