export { BerthError, messageOf } from './berth-error.js';
export { ERROR_TABLE, type ErrorCode, type ErrorEntry, isErrorCode } from './codes.js';
export { type ErrorBody, errorBody, type ProblemBody } from './error-body.js';
export { GrpcStatus } from './grpc-status.js';
