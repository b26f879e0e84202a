import { render } from 'preact'
import './style/tokens.css'
import './style/base.css'
import './style/forms.css'
import './style/frame.css'
import './style/cards.css'
import './style/node.css'
import './style/lists.css'
import { App } from './app.tsx'
import { openSession } from './state/connection.ts'
import { startTheme } from './state/theme.ts'

startTheme()
void openSession()
render(<App />, document.getElementById('app')!)
