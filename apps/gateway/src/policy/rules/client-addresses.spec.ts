import { FakeClient, FakePool, fakeRequest } from '../../../../../libs/exchange/testing/fake-dispatch.js';
import { ruleLab } from '../../../testing/rule-lab.js';
import { entriesOf, policyOf } from '../policy-schema.js';
import { clientAddresses } from './client-addresses.js';

function ask(access: object, clientAddress: string): string[] {
  const context = ruleLab();
  const client = new FakeClient();
  const dispatch = clientAddresses.make(policyOf(entriesOf({ access })), context)?.(new FakePool().dispatch);
  dispatch?.({ ...fakeRequest(), clientAddress }, client);
  return client.calls;
}

describe('rules for addresses of clients', () => {
  it.each([
    [{ deny: ['10.0.0.0/8'] }, '10.1.2.3', ['failed BERTH_FORBIDDEN']],
    [{ deny: ['10.0.0.0/8'] }, '192.0.2.1', ['opened']],
    [{ allow: ['10.0.0.0/8'] }, '192.0.2.1', ['failed BERTH_FORBIDDEN']],
    [{ allow: ['2001:db8::/32'] }, '2001:db8::1', ['opened']],
  ])('%j: %s', (access, address, calls) => {
    expect(ask(access, address)).toEqual(calls);
  });

  it('a client that reset its connection before it was asked for its address passes none', () => {
    expect(ask({ deny: ['10.0.0.0/8'] }, '')).toEqual(['failed BERTH_FORBIDDEN']);
    expect(ask({ allow: ['0.0.0.0/0'] }, '')).toEqual(['failed BERTH_FORBIDDEN']);
  });
});
