/** Closes what floats above the page when somebody presses elsewhere, tabs out of it, or presses Escape. */
export function closeWhenLeft(box: HTMLElement, close: () => void): () => void {
  const onKey = (event: KeyboardEvent) => {
    if (event.key !== 'Escape') return
    close()
    box.querySelector('button')?.focus()
  }
  const onPress = (event: Event) => !box.contains(event.target as Node) && close()
  document.addEventListener('keydown', onKey)
  document.addEventListener('pointerdown', onPress)
  document.addEventListener('focusin', onPress)
  return () => {
    document.removeEventListener('keydown', onKey)
    document.removeEventListener('pointerdown', onPress)
    document.removeEventListener('focusin', onPress)
  }
}
