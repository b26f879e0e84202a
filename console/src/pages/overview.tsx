import { EmptyHouse } from '../parts/empty-house.tsx'
import { NodeCards, Skeletons } from '../parts/node-cards.tsx'
import { Summary } from '../parts/summary.tsx'
import { loaded, nodes } from '../state/house.ts'

/** Is everything all right? One sentence of numbers, then every node, trouble first. */
export function Overview() {
  return (
    <>
      <h1 class="for-readers">Overview</h1>
      {!loaded.value ? <Skeletons /> : nodes.value.size === 0 ? <EmptyHouse /> : <House />}
    </>
  )
}

function House() {
  return (
    <>
      <Summary />
      <NodeCards />
    </>
  )
}
