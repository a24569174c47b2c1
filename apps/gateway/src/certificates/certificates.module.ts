import { type DynamicModule, Module } from '@nestjs/common';
import { PortCertificates } from './port-certificates.js';

/** Certificates of agents' ports. */
@Module({ providers: [PortCertificates], exports: [PortCertificates] })
export class CertificatesModule {
  /** @param config gives settings and log */
  static using(config: DynamicModule): DynamicModule {
    return { module: CertificatesModule, imports: [config] };
  }
}
