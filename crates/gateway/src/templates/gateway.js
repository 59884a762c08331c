// Tells the page that opened this window how far the set-up is.
(() => {
  const told = document.getElementById('told');
  if (!told || !window.opener) return;
  const { origin, organization, intent, state, result } = told.dataset;
  window.opener.postMessage({ type: 'portalctl', organization, intent, state, result: result || null }, origin);
})();
// Polls the state a bounded number of times, and reloads the page when it has changed.
(() => {
  const progress = document.getElementById('progress');
  if (!progress) return;
  let attempts = 24;
  let wait = 2000;
  const poll = async () => {
    try {
      const answer = await fetch(location.href, { headers: { accept: 'application/json' }, cache: 'no-store' });
      const { state } = answer.ok ? await answer.json() : {};
      if (state && state !== progress.dataset.state) return location.reload();
    } catch { /* The next attempt may succeed. */ }
    attempts -= 1;
    if (attempts === 0) {
      progress.textContent = progress.dataset.ended;
      return;
    }
    wait = Math.min(wait * 1.25, 15000);
    setTimeout(poll, wait);
  };
  progress.textContent = progress.dataset.updating;
  setTimeout(poll, wait);
})();
