// Looks into the write-ahead log beside a store before SQLite does. SQLite takes the log as far as its checksums fit, and
// drops the rest without a word: one wrong bit and every later transaction is gone. Format: https://www.sqlite.org/fileformat2.html#walformat
//
// A log may end in what is no loss. A transaction that was being written when its process was killed has no commit frame;
// it may be overwritten in part by the next one. Frames of an earlier use of the file have other salts. So only this counts:
// behind a frame that does not fit, a commit frame with the salts of this log that fits the frame before it. It was
// written whole, and was therefore committed. What cannot be told from a write that was cut off is damage in the last
// commit frame of all.

import { closeSync, openSync, readSync } from 'node:fs'
import { endianness } from 'node:os'

export interface LogDamage {
  /** Behind the last transaction that SQLite will take. */
  readonly frames: number
  /** Of these frames, the transactions that were written whole; one whose own last frame is damaged is not among them. */
  readonly transactions: number
  /** The salts of the log: they name this use of the file. */
  readonly salts: string
}

const headerBytes = 32
const frameHeaderBytes = 24

/**
 * @returns what SQLite would drop, if it is certain
 *
 * @throws Error of the file system
 */
export function damageOfLog(file: string): LogDamage | undefined {
  const first = scan(file)
  if (first === undefined) return undefined
  // Somebody may be writing: what was being written then fits now.
  const second = scan(file)
  const isSame = second?.salts === first.salts && second.firstBad === first.firstBad
  if (!isSame) return undefined
  const { frames, transactions, salts } = second
  return { frames, transactions, salts }
}

export function logOf(file: string): string {
  return `${file}-wal`
}

interface Scanned extends LogDamage {
  readonly firstBad: number
}

function scan(file: string): Scanned | undefined {
  const log = openIfThere(logOf(file))
  if (log === undefined) return undefined
  try {
    return scanFrames(log, file)
  } finally {
    closeSync(log)
  }
}

function scanFrames(log: number, file: string): Scanned | undefined {
  const header = Buffer.alloc(headerBytes)
  if (!fill(log, header, 0)) return undefined
  const { isWhole, isLittle, sums } = readHeader(header)
  const pageBytes = isWhole ? header.readUInt32BE(8) : pageBytesOf(file)
  if (pageBytes === undefined) return undefined
  const frame = Buffer.alloc(frameHeaderBytes + pageBytes)
  const walk = new FrameWalk(isWhole, isLittle, sums)
  const salts = header.subarray(16, 24)
  for (let n = 0; fill(log, frame, headerBytes + n * frame.length); n++) {
    // A header that is damaged may be so in its salts, and with it the first frame: those of the frame before count then.
    if (n === 0 && !isWhole) frame.copy(salts, 0, 8, 16)
    walk.next(frame, frame.compare(salts, 0, 8, 8, 16) === 0)
    if (!isWhole) frame.copy(salts, 0, 8, 16)
  }
  const { firstBad, frames, transactions } = walk
  if (firstBad === undefined || transactions === 0) return undefined
  return { firstBad, frames, transactions, salts: salts.toString('hex') }
}

type Sums = readonly [number, number]

class FrameWalk {
  readonly #isLittle: boolean
  /** What the next frame's checksum may go on from: as it stands in the frame before, and as it should stand there. */
  #before: readonly Sums[]
  #count = 0
  /** How many frames reach to the last commit that SQLite takes, and to the last that there is. */
  #taken = 0
  #written = 0
  firstBad: number | undefined
  transactions = 0

  constructor(isHeaderWhole: boolean, isLittle: boolean, before: readonly Sums[]) {
    this.#isLittle = isLittle
    this.#before = before
    if (!isHeaderWhole) this.firstBad = -1
  }

  get frames(): number {
    return this.#written - this.#taken
  }

  next(frame: Buffer, isOfThisLog: boolean): void {
    const stands: Sums = [frame.readUInt32BE(16), frame.readUInt32BE(20)]
    const made = this.#before.map((before) => this.#sumsOf(frame, before))
    const [first] = made
    const isNext = isOfThisLog && frame.readUInt32BE(0) > 0 && first !== undefined && isEqual(first, stands)
    if (!isNext) this.firstBad ??= this.#count
    this.#count += 1
    const isCommit = isOfThisLog && frame.readUInt32BE(4) > 0 && made.some((each) => isEqual(each, stands))
    if (isCommit) this.#commit()
    this.#before = isNext ? [stands] : [stands, ...made.slice(0, 1)]
  }

  #commit(): void {
    this.#written = this.#count
    if (this.firstBad === undefined) this.#taken = this.#count
    else this.transactions += 1
  }

  #sumsOf(frame: Buffer, before: Sums): Sums {
    return checksum(
      frame,
      frameHeaderBytes,
      frame.length,
      this.#isLittle,
      checksum(frame, 0, 8, this.#isLittle, before),
    )
  }
}

/** The last bit of the magic number is the order of bytes in checksums; all else is written with the high byte first. */
const magicLittle = 0x377f0682
const magicBig = 0x377f0683
const formatVersion = 3_007_000

function readHeader(header: Buffer): {
  readonly isWhole: boolean
  readonly isLittle: boolean
  readonly sums: readonly Sums[]
} {
  const magic = header.readUInt32BE(0)
  const stands: Sums = [header.readUInt32BE(24), header.readUInt32BE(28)]
  const made = checksum(header, 0, 24, magic !== magicBig, [0, 0])
  const isKnown = (magic === magicLittle || magic === magicBig) && header.readUInt32BE(4) === formatVersion
  const isWhole = isKnown && isEqual(made, stands) && isPageSize(header.readUInt32BE(8))
  // What a damaged one says of itself is not to be trusted; SQLite takes the order of the machine.
  const isLittle = isWhole ? magic === magicLittle : endianness() === 'LE'
  return { isWhole, isLittle, sums: isWhole ? [stands] : [stands, checksum(header, 0, 24, isLittle, [0, 0])] }
}

function isPageSize(bytes: number): boolean {
  return bytes >= 512 && bytes <= 65_536 && Number.isInteger(Math.log2(bytes))
}

/** As the store itself says; what stands in a damaged log is not to be trusted. */
function pageBytesOf(file: string): number | undefined {
  const store = openIfThere(file)
  if (store === undefined) return undefined
  try {
    const header = Buffer.alloc(18)
    if (!fill(store, header, 0)) return undefined
    // 65,536 has no room in two bytes.
    const bytes = header.readUInt16BE(16) === 1 ? 65_536 : header.readUInt16BE(16)
    return isPageSize(bytes) ? bytes : undefined
  } finally {
    closeSync(store)
  }
}

function checksum(bytes: Buffer, from: number, to: number, isLittle: boolean, [first, second]: Sums): Sums {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  let [s0, s1] = [first, second]
  for (let at = from; at < to; at += 8) {
    s0 = (s0 + view.getUint32(at, isLittle) + s1) >>> 0
    s1 = (s1 + view.getUint32(at + 4, isLittle) + s0) >>> 0
  }
  return [s0, s1]
}

function isEqual(a: Sums, b: Sums): boolean {
  return a[0] === b[0] && a[1] === b[1]
}

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, 'r')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

/** @returns whether there were as many bytes */
function fill(handle: number, bytes: Buffer, from: number): boolean {
  let done = 0
  while (done < bytes.length) {
    const count = readSync(handle, bytes, done, bytes.length - done, from + done)
    if (count === 0) return false
    done += count
  }
  return true
}
