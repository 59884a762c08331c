-- How healthy a PortalEnvironment or PortalOrganization is, for Argo CD. docs/reference/chart.md tells where
-- to put it. A customer who has not finished yet is healthy: nobody who deploys can do anything.

local hs = { status = "Progressing", message = "the operator has not looked at it yet" }

local annotations = obj.metadata.annotations or {}
local paused = string.lower(annotations["portalctl.dev/paused"] or "")
local no = { [""] = true, ["false"] = true, ["no"] = true, ["off"] = true, ["0"] = true }
if not no[paused] or (obj.spec ~= nil and obj.spec.suspend) then
  hs.status = "Suspended"
  hs.message = "paused"
  return hs
end

local status = obj.status
if status == nil or status.conditions == nil then
  return hs
end
-- What is said is about an earlier version of the resource.
if status.observedGeneration ~= nil and status.observedGeneration ~= obj.metadata.generation then
  return hs
end

local conditions = {}
for _, condition in ipairs(status.conditions) do
  conditions[condition.type] = condition
end
local function holds(kind)
  return conditions[kind] ~= nil and conditions[kind].status == "True"
end

if holds("Stalled") then
  hs.status = "Degraded"
  hs.message = conditions.Stalled.message
elseif holds("Reconciling") then
  hs.message = conditions.Reconciling.message
elseif holds("Ready") then
  hs.status = "Healthy"
  hs.message = (conditions.Onboarded or conditions.Ready).message
elseif conditions.Ready ~= nil then
  hs.status = "Degraded"
  hs.message = conditions.Ready.message
end
return hs
