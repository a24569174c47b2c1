export { CertificatesModule } from './certificates.module.js';
export { isForeignCertificate, withClientSubject, withoutSubject } from './client-subject.js';
export { inspectPortTls } from './inspect-port-tls.js';
export { PortCertificates } from './port-certificates.js';
export { portTlsConfig, PortTlsSettings } from './port-tls.settings.js';
