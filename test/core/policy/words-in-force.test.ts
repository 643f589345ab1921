// Every word of the policy language does something: for each there is a request that is answered otherwise when the word
// is not there. A new word without an entry fails here, and so does a word that some part of Sealward forgets.

import { describe, expect, test } from 'vitest'
import { supportedWords } from '#core/policy/describe.ts'
import { attestorWords } from './words/attestor-words.ts'
import { denyWords } from './words/deny-words.ts'
import { matchWords } from './words/match-words.ts'
import { pairOf } from './words/pair.ts'
import { policyWords } from './words/policy-words.ts'
import { ruleWords } from './words/rule-words.ts'
import { answerTo } from './words/world.ts'

const entries = [...attestorWords, ...matchWords, ...ruleWords, ...policyWords, ...denyWords]
const words = entries.map(({ word }) => word)

describe('the table of words', () => {
  test('has an entry for every supported word', () => {
    expect(supportedWords().filter((word) => !words.includes(word))).toEqual([])
  })

  test('has no entry for anything else', () => {
    expect(words.filter((word) => !supportedWords().includes(word))).toEqual([])
  })

  test('has each word once', () => {
    expect(words.filter((word, index) => words.indexOf(word) !== index)).toEqual([])
  })
})

describe('every word is in force', () => {
  test.each(entries)('$word', async (entry) => {
    const [given, instead] = pairOf(entry)
    const answers = [
      await answerTo(given, entry.asked, entry.telling),
      await answerTo(instead, entry.asked, entry.telling),
    ]
    expect(answers).toEqual(entry.answers)
    expect(answers[0]).not.toBe(answers[1])
  })
})
