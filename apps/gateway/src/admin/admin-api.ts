import { applyDecorators, UseFilters, UseGuards } from '@nestjs/common';
import { ApiDefaultResponse, ApiResponse } from '@nestjs/swagger';
import { AdminGuard } from './admin.guard.js';
import { ErrorDto } from './error.dto.js';
import { ErrorFilter } from './error.filter.js';

/** What all controllers of the admin API have in common: who may ask, how they answer errors, and that they say so. */
export function AdminApi(): ClassDecorator {
  return applyDecorators(
    UseGuards(AdminGuard),
    UseFilters(ErrorFilter),
    ApiResponse({ status: 421, type: ErrorDto, description: 'BERTH_HOST_NOT_ALLOWED: a name that is not its own' }),
    ApiDefaultResponse({ type: ErrorDto, description: 'any error that is not named here' }),
  );
}

/** Describes the answer to a request without the token. */
export function ApiNeedsToken(): ClassDecorator {
  return ApiResponse({ status: 401, type: ErrorDto, description: 'BERTH_UNAUTHENTICATED: no token, or a wrong one' });
}
