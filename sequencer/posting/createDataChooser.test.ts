import { describe, expect, it } from 'vitest'
import { createDataChooser } from './createDataChooser.ts'

const options = { switchMarginPercent: 20n, switchPatience: 5n }
const cheapBlobs = { calldata: 1_000n, blobs: 100n }
const cheapCalldata = { calldata: 100n, blobs: 1_000n }

describe('createDataChooser', () => {
  it('begins with what is cheaper', () => {
    expect(createDataChooser(options, undefined).choose(cheapBlobs, 1n)).toBe('blobs')
    expect(createDataChooser(options, undefined).choose(cheapCalldata, 1n)).toBe('calldata')
  })

  it('takes up the kind that was used before, and switches only after some L1 blocks', () => {
    const chooser = createDataChooser(options, 'calldata')
    expect(chooser.current()).toBe('calldata')
    expect([10n, 12n, 14n, 15n].map((block) => chooser.choose(cheapBlobs, block))).toEqual([
      'calldata',
      'calldata',
      'calldata',
      'blobs',
    ])
  })

  it('begins to wait anew when a look in between says otherwise', () => {
    const chooser = createDataChooser(options, 'blobs')
    chooser.choose(cheapCalldata, 10n)
    chooser.choose(cheapBlobs, 13n)
    expect(chooser.choose(cheapCalldata, 16n)).toBe('blobs')
    expect(chooser.choose(cheapCalldata, 20n)).toBe('blobs')
    expect(chooser.choose(cheapCalldata, 21n)).toBe('calldata')
  })

  it('waits no longer where L1 was said to be further than it is', () => {
    const chooser = createDataChooser(options, 'calldata')
    const looks = [1n << 63n, 10n, 14n, 15n].map((block) => chooser.choose(cheapBlobs, block))
    expect(looks).toEqual(['calldata', 'calldata', 'calldata', 'blobs'])
  })

  it('does not switch for less than the margin', () => {
    const chooser = createDataChooser(options, 'calldata')
    const looks = [10n, 20n, 30n].map((block) => chooser.choose({ calldata: 1_199n, blobs: 1_000n }, block))
    expect(looks).toEqual(['calldata', 'calldata', 'calldata'])
    chooser.choose({ calldata: 1_200n, blobs: 1_000n }, 40n)
    expect(chooser.choose({ calldata: 1_200n, blobs: 1_000n }, 45n)).toBe('blobs')
  })

  it('does not flip to and fro when prices swing around each other', () => {
    const chooser = createDataChooser(options, 'calldata')
    const chosen = Array.from({ length: 100 }, (_, i) =>
      chooser.choose(i % 4 < 2 ? cheapBlobs : cheapCalldata, BigInt(i)),
    )
    expect(new Set(chosen)).toEqual(new Set(['calldata']))
  })

  it('chooses calldata at once where L1 has no blobs', () => {
    expect(createDataChooser(options, 'blobs').choose({ calldata: 1_000n, blobs: undefined }, 1n)).toBe(
      'calldata',
    )
  })
})
