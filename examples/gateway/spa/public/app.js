/** Asks the app's own API, and throws where it refuses. */
async function ask(method, path) {
  const answer = await fetch(path, { method });
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}`);
  return answer.json();
}

/** Leads to the portal. The address is opened and never fetched: the gateway refuses to be fetched. */
async function setUp() {
  const { address } = await ask('POST', '/api/portal');
  location.assign(address);
}

function element(name, text) {
  return Object.assign(document.createElement(name), { textContent: text });
}

/** Creates a button that is disabled while it works, and reports what fails. */
function button(label, work) {
  const made = element('button', label);
  made.addEventListener('click', async () => {
    made.disabled = true;
    try {
      await work();
    } catch {
      main.append(Object.assign(element('p', 'That did not work. Please try again.'), { role: 'alert' }));
    }
    made.disabled = false;
  });
  const paragraph = element('p', '');
  paragraph.append(made);
  return paragraph;
}

function show(title, ...content) {
  document.title = `${title} · Example App`;
  main.replaceChildren(element('h1', title), ...content);
}

function showSettings(user) {
  history.replaceState(null, '', '/settings');
  const greeting = element('p', `You are logged in as ${user.name}.`);
  const hint = element('p', 'Ask your IT admin to set up single sign-on.');
  show('Settings', greeting, user.role === 'it_admin' ? button('Set up single sign-on', setUp) : hint);
}

const main = document.querySelector('main');
const user = await ask('GET', '/api/user');
if (user) {
  showSettings(user);
} else {
  const logIn = (id) => async () => showSettings(await ask('POST', `/api/login/${id}`));
  show(
    'Log in',
    button('Log in as Ada, IT admin of Acme Corp', logIn('ada')),
    button('Log in as Bob, of Acme Corp', logIn('bob')),
  );
}
