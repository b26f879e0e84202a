import { describe, expect, test } from 'vitest'
import { addReading, columnsOf, csvOf, nearest, type Points } from './chart-data.ts'

const points = (bucketMs: number, ...times: number[]): Points => ({
  bucketMs,
  time: [...times],
  min: times.map(() => 1),
  mean: times.map(() => 2),
  max: times.map(() => 3),
  count: times.map(() => 1),
})

describe('a live reading', () => {
  test('is a point of its own where points are readings', () => {
    const own = points(0, 1000)
    expect(addReading(own, 2000, 9)).toBe(true)
    expect(own.time).toEqual([1000, 2000])
    expect(own.max).toEqual([3, 9])
  })

  test('joins the last bucket while it lasts, then opens the next on the grid', () => {
    const own = points(1000, 0)
    addReading(own, 999, 8)
    expect([own.min[0], own.mean[0], own.max[0], own.count[0]]).toEqual([1, 5, 8, 2])
    addReading(own, 3500, 4)
    expect(own.time).toEqual([0, 3000])
  })

  test('that is older than the last point is left to the server', () => {
    expect(addReading(points(0, 1000), 500, 1)).toBe(false)
  })
})

describe('columns', () => {
  test('have an empty point in a hole, and none where readings are merely slow', () => {
    const [time, , , mean] = columnsOf(points(0, 0, 1000, 2000, 9000), 1000)
    expect(time).toEqual([0, 1, 2, 2.001, 9])
    expect(mean).toEqual([2, 2, 2, null, 2])
    expect(columnsOf(points(0, 0, 60_000, 120_000), null)[0]).toEqual([0, 60, 120])
  })

  test('of nothing are empty', () => {
    expect(columnsOf(points(0), 1000)).toEqual([[], [], [], []])
  })
})

test('CSV is what is drawn', () => {
  expect(csvOf(points(0, 0))).toBe('time,min,mean,max,count\n1970-01-01T00:00:00.000Z,1,2,3,1\n')
})

test('CSV holds what is in the window, the start included and the end not', () => {
  expect(csvOf(points(0, 0, 1000, 2000), 1000, 2000)).toBe('time,min,mean,max,count\n1970-01-01T00:00:01.000Z,1,2,3,1\n')
  expect(csvOf(points(0))).toBe('time,min,mean,max,count\n')
})

test('the cursor takes the nearest point, and none in a hole', () => {
  const own = points(0, 1000, 2000, 9000)
  expect([900, 1499, 1501, 5000, 8600, 99_999].map(ms => nearest(own, ms, 600))).toEqual([0, 0, 1, null, 2, null])
  expect(nearest(points(0), 5, 1000)).toBe(null)
})
