import { applyDecorators, UseFilters } from '@nestjs/common';
import { ApiDefaultResponse } from '@nestjs/swagger';
import { ErrorDto } from './error.dto.js';
import { ErrorFilter } from './error.filter.js';

/** What all controllers of the admin API have in common: how they answer errors, and that they say so. */
export function AdminApi(): ClassDecorator {
  return applyDecorators(
    UseFilters(ErrorFilter),
    ApiDefaultResponse({ type: ErrorDto, description: 'any error that is not named here' }),
  );
}
