import { render } from 'preact'
import './style/tokens.css'
import './style/page.css'
import './style/parts.css'
import { App } from './app.tsx'
import { openSession } from './state/connection.ts'
import { startTheme } from './state/theme.ts'

startTheme()
void openSession()
render(<App />, document.getElementById('app')!)
