import { createRequire } from 'node:module';
import type * as ClassValidator from 'class-validator';

/**
 * The rules of class-validator that settings have, without the rest of the
 * package. Its own entry loads every rule that there is, and the telephone
 * numbers of the world with them: 4 MB of an idle agent. The version is pinned
 * in package.json, and the specs of settings cover each rule.
 */
const load = createRequire(import.meta.url);

type Rules = typeof ClassValidator;

export const { IsIn } = load('class-validator/cjs/decorator/common/IsIn.js') as Rules;
export const { IsOptional } = load('class-validator/cjs/decorator/common/IsOptional.js') as Rules;
export const { ValidateBy } = load('class-validator/cjs/decorator/common/ValidateBy.js') as Rules;
export const { ValidateNested } = load('class-validator/cjs/decorator/common/ValidateNested.js') as Rules;
export const { Max } = load('class-validator/cjs/decorator/number/Max.js') as Rules;
export const { Min } = load('class-validator/cjs/decorator/number/Min.js') as Rules;
export const { IsArray } = load('class-validator/cjs/decorator/typechecker/IsArray.js') as Rules;
export const { IsBoolean } = load('class-validator/cjs/decorator/typechecker/IsBoolean.js') as Rules;
export const { IsInt } = load('class-validator/cjs/decorator/typechecker/IsInt.js') as Rules;
export const { IsNumber } = load('class-validator/cjs/decorator/typechecker/IsNumber.js') as Rules;
export const { IsObject } = load('class-validator/cjs/decorator/typechecker/IsObject.js') as Rules;
export const { IsString } = load('class-validator/cjs/decorator/typechecker/IsString.js') as Rules;
export const { Validator } = load('class-validator/cjs/validation/Validator.js') as Rules;
