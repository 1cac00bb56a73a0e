export function DashboardList() { return null; }
