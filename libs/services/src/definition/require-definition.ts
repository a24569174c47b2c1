import type { ErrorCode } from '@berth/errors';
import { AgentError, ServicesError } from '../errors.js';
import { definitionOf, type ServiceClass, type ServiceDefinition } from './service-definition.js';

/**
 * The definition of a class that has to have one.
 *
 * @param ErrorClass AgentError where an agent is asked for (checklist B5), else ServicesError
 * @throws ErrorClass `BERTH_SERVICE_INVALID` `@Service` is missing
 */
export function requireDefinition(
  target: ServiceClass,
  ErrorClass: new (code: ErrorCode, message: string) => ServicesError = ServicesError,
): ServiceDefinition {
  const definition = definitionOf(target);
  if (definition !== undefined) return definition;
  // The words of checklist B5 stand alone; elsewhere there is room for the cause.
  const cause = ErrorClass === AgentError ? '' : ': @Service is missing';
  throw new ErrorClass('BERTH_SERVICE_INVALID', `Service class ${target.name} not registered${cause}`);
}
