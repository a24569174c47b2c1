import { agentId } from './object-agent.js';

describe('B5: agentId', () => {
  it.each([
    [undefined, 0, 0, 'p.S'],
    [undefined, 3, 0, 'p.S@3'],
    [undefined, 3, 3, 'p.S'],
    ['7', 0, 0, 'p.S:7'],
    ['7', 3, 0, 'p.S:7@3'],
    ['7', 3, 3, 'p.S:7'],
    ['7@3', 0, 0, 'p.S:7@3@0'],
    ['7@3', 3, 0, 'p.S:7@3@3'],
    ['7@3', 3, 3, 'p.S:7@3@3'],
    ['@', 0, 0, 'p.S:@@0'],
  ])('object %s of partition %d, where %d is the default: %s', (objectId, partitionId, defaultPartition, id) => {
    expect(agentId('p.S', objectId, partitionId, defaultPartition)).toBe(id);
  });

  it('is another one for each target', () => {
    const objects = [undefined, '7', '7@3', '7@3@3', '@3', '@', '7@', ':7', '7:7'];
    const partitions = [0, 3, 33];
    const ids = objects.flatMap((objectId) =>
      partitions.map((partitionId) => agentId('p.S', objectId, partitionId, 3)),
    );
    expect(new Set(ids).size).toBe(ids.length);
  });
});
