export { STATE, StateFigures, StateModule } from './state.module.js';
export { stateConfig, StateSettings } from './state.settings.js';
